import type { ReplicatedClient } from "ioreplica";
import type { DevServer } from "ioreplica/dev";
import { DevTopology } from "ioreplica/dev";
import { describe, expectTypeOf, test } from "vitest";

describe("ioreplica/dev", () => {
  test("a topology's options start a client", () => {
    expectTypeOf<DevTopology["options"]>().toExtend<ConstructorParameters<typeof ReplicatedClient>[0]>();
    expectTypeOf(DevTopology.start).toBeCallableWith({ replicas: 2 });
    expectTypeOf(DevTopology.start({})).resolves.toEqualTypeOf<DevTopology>();
  });

  test("servers are read live and are disposable", () => {
    expectTypeOf<DevTopology["master"]>().toEqualTypeOf<DevServer>();
    expectTypeOf<DevTopology["replicas"]>().toEqualTypeOf<readonly DevServer[]>();
    expectTypeOf<DevServer>().toExtend<AsyncDisposable>();
    expectTypeOf<DevTopology>().toExtend<AsyncDisposable>();
    expectTypeOf<DevServer["role"]>().toEqualTypeOf<"master" | "replica">();
  });

  test("every fault returns a handle that lifts it", () => {
    expectTypeOf<ReturnType<DevServer["faults"]["lag"]>["clear"]>().toBeFunction();
    expectTypeOf<ReturnType<DevServer["faults"]["partition"]>["clear"]>().toBeFunction();
    expectTypeOf<ReturnType<DevServer["faults"]["fail"]>["clear"]>().toBeFunction();
  });
});
