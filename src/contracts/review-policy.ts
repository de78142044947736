/** Who must approve a change of repository files, decided from the paths alone. */

export type FileApprover =
  | { readonly kind: "organization" }
  | { readonly kind: "platform" }
  | { readonly kind: "refused"; readonly path: string; readonly reason: string };

const refusedNames = new Set([
  "CODEOWNERS",
  "package-lock.json",
  "npm-shrinkwrap.json",
  "pnpm-lock.yaml",
  "yarn.lock",
  "bun.lock",
  "bun.lockb",
  ".npmrc",
]);

/** Whether a path is one that no agent may change, and why; null when it may be proposed. */
export function refusedPathReason(path: string): string | null {
  if (path === "" || path.startsWith("/") || path.includes("\\") || path.includes("\0")) return "not a repository path";
  const segments = path.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) return "not a repository path";
  const lowered = segments.map((segment) => segment.toLowerCase());
  const name = segments.at(-1) ?? "";
  if (lowered.includes(".git")) return "Git's own files are not part of a change";
  if (lowered[0] === ".github") return "workflows and repository settings are changed by people only";
  if (refusedNames.has(name) || refusedNames.has(name.toLowerCase()) || name.toLowerCase() === "codeowners") {
    return "lock files, owners and registry settings are changed by people only";
  }
  return name.toLowerCase().startsWith(".env") ? "environment files are changed by people only" : null;
}

/**
 * The approver of a set of changed paths. Only the organization's own tenant configuration and templates are its own
 * reviewers' to approve; anything else, or a mixture, is the platform's.
 */
export function fileApprover(paths: readonly string[], slug: string | null): FileApprover {
  for (const path of paths) {
    const reason = refusedPathReason(path);
    if (reason !== null) return { kind: "refused", path, reason };
  }
  const isOwn = (path: string): boolean =>
    slug !== null && (path === `config/tenants/${slug}.config.ts` || path.startsWith(`config/templates/${slug}/`));
  return paths.length > 0 && paths.every(isOwn) ? { kind: "organization" } : { kind: "platform" };
}
