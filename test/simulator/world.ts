/** Everything of one run, wired: the real objects over simulated machines, and everyone who talks to them. */
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { EffectMessage, JobMessage, RecordsMessage } from "../../src/contracts/queue-messages.ts";
import type { Logger } from "../../src/core/log.ts";
import { createObjectClients, type ObjectNamespaces } from "../../src/durable-objects/clients.ts";
import { OrganizationObject } from "../../src/durable-objects/organization/organization-object.ts";
import { organizationMigrations } from "../../src/durable-objects/organization/schema.ts";
import { PlatformObject } from "../../src/durable-objects/platform/platform-object.ts";
import { platformMigrations } from "../../src/durable-objects/platform/schema.ts";
import { consumeRecords } from "../../src/queues/records.ts";
import type { Outside } from "./caller.ts";
import type { Chance } from "./chance.ts";
import type { Disk } from "./disk.ts";
import { DiskPool } from "./disk-pool.ts";
import { Faults } from "./faults.ts";
import { MessageQueue, type Settlement } from "./message-queue.ts";
import { Network } from "./network.ts";
import { asEnv } from "./object-bindings.ts";
import { ObjectHost, type Sender } from "./object-host.ts";
import { Observer } from "./observer.ts";
import { consumeEffect, ModelGitHub } from "./outside-world.ts";
import { ProcessDied } from "./process.ts";
import { propertyOf, textOf } from "./properties.ts";
import { ProjectionStore } from "./projection-store.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Scenario } from "./scenario.ts";
import { Scheduler } from "./scheduler.ts";
import { consumeJob } from "./slice-script.ts";

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silent,
};
const outsider: Sender = { isAlive: () => true };

const organizationDisks = new DiskPool(organizationMigrations);
const platformDisks = new DiskPool(platformMigrations);

export class World {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly observer: Observer;
  readonly store: ProjectionStore;
  readonly gitHub = new ModelGitHub();
  readonly platform: ObjectHost;
  readonly organizations = new Map<string, ObjectHost>();
  readonly outside: Outside;
  readonly #scenario: Scenario;
  readonly #chance: Chance;
  readonly #sabotage: Sabotage;
  readonly #network: Network;
  readonly #queues: {
    readonly jobs: MessageQueue<JobMessage>;
    readonly records: MessageQueue<RecordsMessage>;
    readonly effects: MessageQueue<EffectMessage>;
  };

  constructor(
    scenario: Scenario,
    chance: Chance,
    sabotage: Sabotage,
    onEvent: (organizationId: string, event: OrganizationEvent) => void,
  ) {
    const scheduler = new Scheduler(scenario.startMs);
    const nowMs = (): number => scheduler.nowMs();
    const faults = new Faults(chance.fork(), nowMs, scenario.startMs + scenario.faultsForMs);
    this.#scenario = scenario;
    this.#chance = chance;
    this.#sabotage = sabotage;
    this.scheduler = scheduler;
    this.faults = faults;
    this.store = new ProjectionStore(faults);
    const organizationIds = scenario.organizations.map(({ id }) => id);
    const organizationDisk = (id: string): Disk | undefined => this.organizations.get(id)?.disk;
    const { globalSlots } = scenario;
    const after = (delayMs: number, task: () => false): void => scheduler.after(delayMs, task);
    this.observer = new Observer({ organizationIds, globalSlots, nowMs, after, onEvent, organizationDisk });
    this.#network = new Network({ scheduler, faults, tap: this.#tap() });
    this.platform = this.#host("platform", platformDisks);
    for (const { id } of scenario.organizations) {
      const host = this.#host(id, organizationDisks);
      this.organizations.set(id, host);
      this.observer.addOrganization(host, () => this.#limitOf(id));
    }
    const clients = createObjectClients(this.#namespaces(outsider));
    const signalOf: Outside["signalOf"] = (organizationId, jobId) =>
      this.observer.models.get(organizationId)?.jobs.get(jobId)?.signal ?? "none";
    this.outside = { scheduler, faults, chance: chance.fork(), signalOf, ...clients };
    this.#queues = {
      jobs: this.#queue((message, attempts) => consumeJob(this.outside, message, attempts)),
      records: this.#queue((message, attempts) => this.#project(message, attempts)),
      effects: this.#queue((message, attempts) => consumeEffect(this.outside, this.gitHub, message, attempts)),
    };
  }

  hosts(): readonly ObjectHost[] {
    return [this.platform, ...this.organizations.values()];
  }

  /** Gives the disks to later runs; this world is over then. */
  dispose(): void {
    for (const host of this.hosts()) host.evict();
    platformDisks.giveBack(this.platform.disk);
    for (const { disk } of this.organizations.values()) organizationDisks.giveBack(disk);
  }

  #tap() {
    const { observer, scheduler } = this;
    return {
      sent: (host: ObjectHost, method: string, command: unknown) => {
        if (host === this.platform && method === "reportDemand")
          observer.platform.reportSent(textOf(command, "organizationId"));
      },
      carryOut: async (host: ObjectHost, method: string, command: unknown) => {
        observer.note(`${scheduler.nowMs()} ${host.name} ${method}`);
        const carryOut = (): Promise<unknown> => this.#sabotage.carryOut(host, method, command);
        try {
          return await observer.checked(host, method, command, carryOut);
        } catch (error) {
          if (!(error instanceof ProcessDied)) observer.report(`${host.name} ${method} threw ${String(error)}`);
          throw error;
        }
      },
    };
  }

  #host(name: string, disks: DiskPool): ObjectHost {
    const { scheduler, faults, observer } = this;
    const disk = disks.take();
    const random = this.#chance.fork().next;
    const host: ObjectHost = new ObjectHost({
      name,
      disk,
      scheduler,
      faults,
      create: (state, process, nowMs) => {
        const ports = { clock: { nowMs }, random, logger: silent };
        const env = this.#bindings(process);
        return name === "platform" ? new PlatformObject(state, env, ports) : new OrganizationObject(state, env, ports);
      },
      onCommit: () => {
        if (host === this.platform) observer.platformCommitted(host);
        else observer.organizationCommitted(host);
      },
      onFailure: (error) => observer.report(`an alarm of ${name} threw ${String(error)}`),
    });
    return host;
  }

  #namespaces(sender: Sender): ObjectNamespaces {
    const none = (name: string): ObjectHost => {
      throw new Error(`there is no repository ${name}`);
    };
    return {
      ORGANIZATIONS: this.#network.namespace(sender, (name) => this.organizations.get(name) ?? none(name)),
      PLATFORM: this.#network.namespace(sender, () => this.platform),
      REPOSITORIES: this.#network.namespace(sender, none),
    };
  }

  #bindings(sender: Sender): Env {
    return asEnv({
      AGENT_MAX_CONCURRENCY: String(this.#scenario.globalSlots),
      REVIEW_EXPIRES_AFTER_MS: String(this.#scenario.reviewExpiresAfterMs),
      QUESTION_EXPIRES_AFTER_MS: String(this.#scenario.questionExpiresAfterMs),
      ...this.#sabotage.settings,
      ...this.#namespaces(sender),
      AGENT_JOBS: this.#queues.jobs.binding(sender),
      AGENT_RECORDS: this.#queues.records.binding(sender),
      AGENT_EFFECTS: this.#queues.effects.binding(sender),
    });
  }

  #queue<Message>(consume: (message: Message, attempts: number) => Promise<Settlement>): MessageQueue<Message> {
    return new MessageQueue({ scheduler: this.scheduler, faults: this.faults, chance: this.#chance.fork(), consume });
  }

  async #project(body: RecordsMessage, attempts: number): Promise<Settlement> {
    const settled: { retryAfterMs: Settlement } = { retryAfterMs: null };
    const message = {
      id: body.organizationId,
      attempts,
      body,
      ack: () => undefined,
      retry: ({ delaySeconds }: { readonly delaySeconds: number }) => {
        settled.retryAfterMs = delaySeconds * 1_000;
      },
    };
    const projection = this.#sabotage.projection(this.store);
    const ports = { objects: this.outside, projection, logger: silent };
    await consumeRecords(ports, { queue: "agent-records", messages: [message] });
    return settled.retryAfterMs;
  }

  #limitOf(organizationId: string): number {
    const terms = this.organizations.get(organizationId)?.disk.read("terms");
    const concurrentJobs = propertyOf(propertyOf(terms, "limits"), "concurrentJobs");
    const defaultLimit = 2;
    return Math.min(Number(concurrentJobs ?? defaultLimit), this.#scenario.globalSlots);
  }
}
