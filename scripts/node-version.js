/** Loaded before a script of this folder: an old Node cannot even read TypeScript, so it is refused in plain JavaScript. */
/* oxlint-disable typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access -- no tsconfig knows plain JavaScript */
import process from "node:process";

const oldest = [22, 18];
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  console.error(
    `✗ Node ${oldest.join(".")} or newer is needed, this is ${process.versions.node}: npm ci brings one, so start with npm`,
  );
  process.exit(1);
}
