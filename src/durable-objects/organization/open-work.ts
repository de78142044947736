/** Whether an organization has work that is not done and not running: waiting, held, delayed, paused or under review. */

export const openWorkMigration = `
  CREATE INDEX jobs_open ON jobs (id) WHERE status IN ('PENDING', 'PAUSED');
  CREATE INDEX effects_pending ON effects (id) WHERE json_extract(state, '$.record.status') = 'PENDING';
`;

/** One look into each index, however much there is. */
export function hasOpenWork(sql: Pick<SqlStorage, "exec">): boolean {
  return (
    sql
      .exec<{ found: number }>(
        `SELECT EXISTS (SELECT 1 FROM jobs WHERE status IN ('PENDING', 'PAUSED'))
           OR EXISTS (SELECT 1 FROM reviews WHERE status = 'OPEN')
           OR EXISTS (SELECT 1 FROM effects WHERE json_extract(state, '$.record.status') = 'PENDING') AS found`,
      )
      .one().found === 1
  );
}
