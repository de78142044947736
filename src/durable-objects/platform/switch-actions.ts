/** What an administrator's action does to the switches of its scope: a pure decision. */
import type { AdminCommand } from "../../contracts/platform-rpc.ts";
import { isInForce } from "../../contracts/switch-evaluation.ts";
import { isSameScope, type Switch, type SwitchActor } from "../../contracts/switches.ts";

export type ActionDecision =
  | { readonly kind: "set"; readonly mode: "hold" | "drain" }
  | { readonly kind: "remove"; readonly switches: readonly Switch[] }
  | { readonly kind: "clear" }
  | { readonly kind: "nothing" };

/** Whether the actor may take a switch away: an organization only what it set itself. */
function mayRemove(actor: SwitchActor, { actor: setBy }: Pick<Switch, "actor">): boolean {
  return actor.kind === "platform" || setBy.kind === "organization";
}

/** Decides what a command does; one whose effect is there already does nothing. */
export function decideAction(
  { action, scope, actor }: Pick<AdminCommand, "action" | "scope" | "actor">,
  switches: readonly Switch[],
  nowMs: number,
): ActionDecision {
  const ofScope = switches.filter((candidate) => isSameScope(candidate.scope, scope) && isInForce(candidate, nowMs));
  switch (action) {
    case "pause":
    case "drain": {
      const mode = action === "pause" ? "hold" : "drain";
      const stands = ofScope.some(
        (candidate) => candidate.mode === mode && candidate.actor.kind === actor.kind && candidate.expiresAtMs === null,
      );
      return stands ? { kind: "nothing" } : { kind: "set", mode };
    }
    case "resume": {
      const removable = ofScope.filter(
        (candidate) => (candidate.mode === "hold" || candidate.mode === "drain") && mayRemove(actor, candidate),
      );
      return removable.length === 0 ? { kind: "nothing" } : { kind: "remove", switches: removable };
    }
    case "clear":
  }
  return { kind: "clear" };
}
