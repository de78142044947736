/** How a call reaches an organization's parts: checked for its address, run at once, and as one change where it writes. */
import type { Archivable, EpochAnswer } from "../../contracts/organization-rpc.ts";
import type { Change } from "./change.ts";
import type { OrganizationParts } from "./organization-parts.ts";

export type Addressed = { readonly organizationId: string };

export class OrganizationCalls {
  readonly #organizationId: string;
  readonly #parts: OrganizationParts;

  constructor(organizationId: string, parts: OrganizationParts) {
    this.#organizationId = organizationId;
    this.#parts = parts;
  }

  /** Throws on what was meant for another organization's object. */
  assertAddressed({ organizationId }: Addressed): void {
    if (organizationId !== this.#organizationId) {
      throw new Error("a call for one organization came to the object of another");
    }
  }

  /** Runs `work` at once; a throw rejects the promise, as the RPC expects. */
  answer<Result>(command: Addressed, work: (parts: OrganizationParts) => Result | Promise<Result>): Promise<Result> {
    return new Promise((resolve) => {
      this.assertAddressed(command);
      resolve(work(this.#parts));
    });
  }

  /** Runs `work` as one change. */
  change<Result>(command: Addressed, work: (change: Change, parts: OrganizationParts) => Result): Promise<Result> {
    return this.answer(command, (parts) => parts.changes.run((change) => work(change, parts)));
  }

  /** Runs `work` as one change, which takes the call or refuses it. */
  accept(command: Addressed, work: (change: Change, parts: OrganizationParts) => boolean): Promise<EpochAnswer> {
    return this.change(command, (change, parts): EpochAnswer => ({ accepted: work(change, parts) }));
  }

  /**
   * Runs `work` as one change that first brings back the issue that the command came with, if it has left; what the
   * command does not change leaves again.
   */
  changeRestored<Result>(
    command: Addressed & Archivable,
    work: (change: Change, parts: OrganizationParts) => Result,
  ): Promise<Result> {
    return this.change(command, (change, parts) => {
      this.restore(change, command);
      return work(change, parts);
    });
  }

  /** Brings back the issue that a command came with, if it has left. */
  restore(change: Change, { archived }: Archivable): void {
    if (archived === undefined) return;
    this.assertAddressed(archived.issue);
    const { archive, retention } = this.#parts;
    if (archive.restore(archived)) retention.noteRestored(change);
  }
}
