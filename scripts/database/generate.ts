/** `npm run db:generate`: writes the Prisma client. It needs no schema engine, so none is downloaded for it. */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { runScript } from "./run-script.ts";

await runScript(async () => {
  const prisma = createRequire(import.meta.url).resolve("prisma/build/index.js");
  await promisify(execFile)(process.execPath, [prisma, "generate", "--no-hints"], {
    cwd: path.join(import.meta.dirname, "../.."),
    // Any program will do: the command only checks that its engine is there.
    env: { PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true", ...process.env },
  });
  return "Wrote the Prisma client to src/db/generated.";
});
