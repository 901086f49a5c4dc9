import { join } from "node:path";
import ts from "typescript";
import { root } from "./repository.js";

export interface PublicName {
  readonly name: string;
  /** Whether it exists at run time (a class, function or constant) or only for the compiler. */
  readonly kind: "value" | "type";
  /** Whether its declaration, or one of them, has a docstring. */
  readonly documented: boolean;
  /** Public members of a class or interface of this package that have no docstring: `Name.member`. */
  readonly undocumentedMembers: readonly string[];
}

/** What the doors of the package export, read from their source by the compiler. */
export function publicNames(doors: readonly string[]): Map<string, PublicName[]> {
  const config = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const program = ts.createProgram(
    doors.map((door) => join(root, door)),
    options,
  );
  const checker = program.getTypeChecker();
  return new Map(doors.map((door) => [door, exportsOf(door, program, checker)]));
}

function exportsOf(door: string, program: ts.Program, checker: ts.TypeChecker): PublicName[] {
  const file = program.getSourceFile(join(root, door));
  const module = file && checker.getSymbolAtLocation(file);
  if (!module) throw new Error(`${door} is not a module`);
  return checker
    .getExportsOfModule(module)
    .map((exported) => describeName(exported, checker))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function describeName(exported: ts.Symbol, checker: ts.TypeChecker): PublicName {
  const typeOnly = exported.declarations?.some((at) => ts.isExportSpecifier(at) && isTypeOnly(at)) ?? false;
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const ours = symbol.declarations?.filter((at) => at.getSourceFile().fileName.startsWith(join(root, "src"))) ?? [];
  return {
    name: exported.name,
    kind: !typeOnly && symbol.flags & ts.SymbolFlags.Value ? "value" : "type",
    documented: ours.length === 0 || hasDoc(symbol, checker),
    undocumentedMembers: ours.flatMap((at) => membersWithoutDoc(exported.name, at, checker)),
  };
}

const isTypeOnly = (at: ts.ExportSpecifier): boolean => at.isTypeOnly || at.parent.parent.isTypeOnly;
const hasDoc = (symbol: ts.Symbol, checker: ts.TypeChecker): boolean =>
  symbol.getDocumentationComment(checker).length > 0 || symbol.getJsDocTags(checker).length > 0;

/** Methods and accessors of a class; a field's name and type mostly say it all. */
function membersWithoutDoc(owner: string, declaration: ts.Declaration, checker: ts.TypeChecker): string[] {
  if (!ts.isClassDeclaration(declaration)) return [];
  return declaration.members
    .filter((member) => ts.isMethodDeclaration(member) || ts.isGetAccessorDeclaration(member))
    .filter((member) => !(ts.getCombinedModifierFlags(member) & HIDDEN) && ts.isIdentifier(member.name))
    .map((member) => checker.getSymbolAtLocation(member.name))
    .filter((symbol) => symbol !== undefined && !hasDoc(symbol, checker) && !isInternal(symbol))
    .map((symbol) => `${owner}.${symbol?.name ?? ""}`);
}

const HIDDEN = ts.ModifierFlags.Private | ts.ModifierFlags.Protected | ts.ModifierFlags.Override;
const isInternal = (symbol: ts.Symbol): boolean => symbol.getJsDocTags().some((tag) => tag.name === "internal");
