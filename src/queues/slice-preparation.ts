/** Everything that an attempt needs before its loop: the base commit, the snapshot, the workspace, the rendered prompt. */
import type { AgentDefinition } from "../agents/define-agent.ts";
import { renderFirstMessage, type RepositoryFacts } from "../agents/prompts/first-message.ts";
import { renderSystemPrompt } from "../agents/prompts/system-prompt.ts";
import { availableAgents } from "../agents/registry.ts";
import { modelTable } from "../contracts/models.ts";
import type { Assignment, AttemptPrompt } from "../contracts/organization-rpc.ts";
import type { GitHubPort, ObjectClients } from "../contracts/ports.ts";
import type { Logger } from "../core/log.ts";
import { prepareSnapshot } from "../tools/prepare-repository.ts";
import { toolDefinitionsJson } from "../tools/registry.ts";
import { snapshotAt } from "../tools/repository-snapshot.ts";
import { Workspace } from "../tools/workspace.ts";

export interface PreparationPorts {
  readonly objects: Pick<ObjectClients, "repository">;
  /** Null when the integration is absent. */
  readonly gitHub: GitHubPort | null;
  readonly logger: Logger;
}

const maxListedPaths = 200;

interface Base {
  readonly commit: string;
  readonly branch: string;
}

/** The pinned base: of the attempt, of the work that it goes on with, or the head of the default branch now. */
async function baseOf(assignment: Assignment, gitHub: GitHubPort): Promise<Base | null> {
  if (assignment.repository === null) return null;
  const { prompt } = assignment.attempt;
  if (prompt !== null) {
    if (prompt.baseCommit === null || prompt.baseBranch === null) return null;
    return { commit: prompt.baseCommit, branch: prompt.baseBranch };
  }
  return assignment.workspaceBase ?? (await gitHub.defaultBranchHead(assignment.repository));
}

/** Opens the job's files at their base commit; null without a repository. Throws `GitHubError`. */
export async function openWorkspace(
  assignment: Assignment,
  definition: AgentDefinition,
  { objects, gitHub, logger }: PreparationPorts,
  signal: AbortSignal,
): Promise<Workspace | null> {
  const { repository, slug, issue } = assignment;
  if (repository === null || definition.tools.length === 0) return null;
  if (gitHub === null) {
    logger.warn("a repository is bound, but the GitHub integration is off");
    return null;
  }
  const base = await baseOf(assignment, gitHub);
  if (base === null) return null;
  const repositoryRpc = objects.repository(repository);
  await prepareSnapshot({ gitHub, repositoryRpc, repository, commit: base.commit, signal });
  const snapshot = snapshotAt(
    repositoryRpc,
    { organizationId: issue.organizationId, slug },
    { repository, baseBranch: base.branch, baseCommit: base.commit },
  );
  return new Workspace(snapshot, assignment.workspace);
}

async function repositoryFacts(workspace: Workspace): Promise<RepositoryFacts> {
  const { repository, baseBranch, baseCommit } = workspace.snapshot;
  const { paths, total } = await workspace.listFiles(null, maxListedPaths);
  return { repository, branch: baseBranch, commit: baseCommit, fileCount: total, paths };
}

/** Renders what the attempt sends, once; later slices send the same bytes. */
export async function renderAttempt(
  assignment: Assignment,
  definition: AgentDefinition,
  workspace: Workspace | null,
): Promise<{ readonly prompt: AttemptPrompt; readonly firstMessage: string }> {
  const { issue, job, attempt, underReview } = assignment;
  const noteOf = (key: string): string | null => {
    const note = job.config[key];
    return typeof note === "string" ? note : null;
  };
  return {
    prompt: {
      modelId: modelTable[job.model].apiId,
      system: renderSystemPrompt(definition, availableAgents(assignment.allowedAgents)),
      toolsJson: toolDefinitionsJson(definition.tools),
      outputSchemaJson: definition.answerSchemaJson,
      baseCommit: workspace?.snapshot.baseCommit ?? null,
      baseBranch: workspace?.snapshot.baseBranch ?? null,
    },
    firstMessage: renderFirstMessage({
      role: job.role,
      issue,
      repository: workspace === null ? null : await repositoryFacts(workspace),
      attempt: attempt.number,
      lastAttempt: assignment.lastAttempt,
      changedPaths: assignment.workspace.map(({ path }) => path),
      reviewNote: noteOf("reviewNote"),
      requestedChanges: noteOf("requestedChanges"),
      underReview,
      conversation: assignment.conversation,
    }),
  };
}
