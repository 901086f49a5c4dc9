/** Why a rule was refused, in Redis's words. */
export const ruleErrors = {
  unknownCommand: "Unknown command or category name in ACL",
  syntax: "Syntax error",
  patternAfterAllKeys:
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to " +
    "start with an empty list of patterns",
  patternAfterAllChannels:
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try " +
    "'resetchannels' to start with an empty list of channels",
  noSuchPassword: "The password you are trying to remove from the user does not exist",
  badHash: "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters",
  duplicateUser: "Duplicate user found. A user can only be defined once in config files",
  firstArgOfSubcommand: "Allowing first-arg of a subcommand is not supported",
} as const;

/** The text of an error, or null if the rule was taken. */
export type RuleResult = (typeof ruleErrors)[keyof typeof ruleErrors] | null;

/** Whether a name or pattern holds what would break the line that it is saved in. */
export function hasSpaces(text: string): boolean {
  return /[\s\0]/.test(text);
}
