import fc from "fast-check";
import { expect, test } from "vitest";
import { GroupCommit } from "../../src/durable-objects/group-commit.ts";

const maxTogether = 4;

/** A group commit over a storage that stores when told to, and the groups that it carried out. */
function groupCommit(mayRun: (command: number) => boolean = () => true) {
  const groups: (readonly number[])[] = [];
  const storing: PromiseWithResolvers<void>[] = [];
  const commit = new GroupCommit<number, string>({
    runTogether: (commands) => {
      const refused = commands.find((command) => !mayRun(command));
      if (refused !== undefined) throw new Error(`cannot carry out ${refused}`);
      groups.push(commands);
      return commands.map((command) => `did ${command}`);
    },
    stored: () => {
      const one = Promise.withResolvers<void>();
      storing.push(one);
      return one.promise;
    },
    maxTogether,
  });
  return { commit, groups, storing };
}

const tick = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test("a command by itself is carried out at once, and answered before it is stored", async () => {
  const { commit, groups, storing } = groupCommit();
  const answer = commit.add(1);
  expect(groups).toEqual([[1]]);
  await expect(answer).resolves.toBe("did 1");
  expect(storing).toHaveLength(1);
});

test("what comes while a group is stored is carried out together, in order, and in bounded groups", async () => {
  const { commit, groups, storing } = groupCommit();
  const answers = Promise.all([1, 2, 3, 4, 5, 6].map((command) => commit.add(command)));
  expect(groups).toEqual([[1]]);
  storing[0]?.resolve();
  await tick();
  expect(groups).toEqual([[1], [2, 3, 4, 5]]);
  storing[1]?.resolve();
  await expect(answers).resolves.toEqual(["did 1", "did 2", "did 3", "did 4", "did 5", "did 6"]);
  expect(groups).toEqual([[1], [2, 3, 4, 5], [6]]);
});

test("a command that cannot be carried out takes no other of its group with it", async () => {
  const { commit, groups, storing } = groupCommit((command) => command !== 3);
  const answers = Promise.allSettled([1, 2, 3, 4].map((command) => commit.add(command)));
  storing[0]?.resolve();
  const [first, second, third, fourth] = await answers;
  expect([first, second, fourth]).toEqual(
    [1, 2, 4].map((command) => ({ status: "fulfilled", value: `did ${command}` })),
  );
  expect(third).toMatchObject({ status: "rejected", reason: { message: "cannot carry out 3" } });
  expect(groups).toEqual([[1], [2], [4]]);
});

test("a storage that breaks fails what waits for it, and nothing that comes later", async () => {
  const { commit, storing } = groupCommit();
  const first = commit.add(1);
  const second = commit.add(2);
  storing[0]?.reject(new Error("the disk is gone"));
  await expect(second).rejects.toThrow("the disk is gone");
  await expect(first).resolves.toBe("did 1");
  await expect(commit.add(3)).resolves.toBe("did 3");
});

test("an answer that is missing fails its command and no other, and nothing is carried out twice", async () => {
  const ran: number[] = [];
  const commit = new GroupCommit<number, string>({
    runTogether: (commands) => {
      ran.push(...commands);
      return commands.slice(0, 1).map((command) => `did ${command}`);
    },
    stored: () => Promise.resolve(),
    maxTogether,
  });
  const outcomes = await Promise.allSettled([1, 2, 3].map((command) => commit.add(command)));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
  expect(ran).toEqual([1, 2, 3]);
});

test("whatever comes whenever is carried out exactly once, in order, by groups within the bound", async () => {
  const comesOrIsStored = fc.array(fc.constantFrom("comes", "stored"), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(comesOrIsStored, fc.func(fc.boolean()), async (steps, mayRun) => {
      const { commit, groups, storing } = groupCommit(mayRun);
      const answers: Promise<"done" | "failed">[] = [];
      let storedCount = 0;
      const storeOne = async (): Promise<void> => {
        storing[storedCount]?.resolve();
        if (storedCount < storing.length) storedCount += 1;
        await tick();
      };
      for (const step of steps) {
        if (step === "stored") await storeOne();
        else
          answers.push(
            commit.add(answers.length).then(
              () => "done",
              () => "failed",
            ),
          );
      }
      while (storedCount < storing.length) await storeOne();
      const commands = answers.map((_, index) => index);
      expect(groups.flat()).toEqual(commands.filter((command) => mayRun(command)));
      expect(Math.max(0, ...groups.map(({ length }) => length))).toBeLessThanOrEqual(maxTogether);
      expect(await Promise.all(answers)).toEqual(commands.map((command) => (mayRun(command) ? "done" : "failed")));
    }),
  );
});
