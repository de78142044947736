import type { HealthSample } from "../../contracts/platform-rpc.ts";
import { boundLimit } from "../bound-limit.ts";
import { fromStoredJson } from "../stored-json.ts";

/** A week of samples at one every five minutes. */
const keptSamples = 2_016;

/** The last health samples, newest first. */
export class HealthHistory {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  record(sample: HealthSample): void {
    this.#sql.exec("INSERT INTO health_samples (sample) VALUES (?)", JSON.stringify(sample));
    this.#sql.exec("DELETE FROM health_samples WHERE id <= (SELECT MAX(id) FROM health_samples) - ?", keptSamples);
  }

  list(limit: number): readonly HealthSample[] {
    return this.#sql
      .exec<{ sample: string }>(`SELECT sample FROM health_samples ORDER BY id DESC ${boundLimit}`, limit)
      .toArray()
      .map(({ sample }) => fromStoredJson<HealthSample>(sample));
  }
}
