// @ts-check
import Database from 'libsql'

/** Somebody with a higher token has written meanwhile: whoever writes with this one leads no longer. */
export class StaleTokenError extends Error {
  /** @override */
  name = 'StaleTokenError'
}

/** What the job writes to: a SQLite database that refuses a stale leader. */
export class Ledger {
  #database
  #fence
  #insert

  /** @param {string} file */
  constructor(file) {
    this.#database = new Database(file)
    this.#database.pragma('busy_timeout = 5000')
    this.#database.exec(`
      CREATE TABLE IF NOT EXISTS fence (job TEXT PRIMARY KEY, token INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS runs (job TEXT, host TEXT, token INTEGER, text TEXT);
    `)
    // The highest token seen is kept in the same database as the data, and compared in the same
    // transaction: only so can nothing come in between.
    this.#fence = this.#database.prepare(`
      INSERT INTO fence (job, token) VALUES (?, ?)
      ON CONFLICT (job) DO UPDATE SET token = excluded.token WHERE excluded.token >= fence.token
    `)
    this.#insert = this.#database.prepare(
      'INSERT INTO runs (job, host, token, text) VALUES (?, ?, ?, ?)',
    )
  }

  /**
   * Writes the result of one run of a job.
   *
   * @param {{ job: string, host: string, token: bigint, text: string }} run
   * @throws {StaleTokenError} and writes nothing, when a higher token was seen before
   */
  write({ job, host, token, text }) {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      if (this.#fence.run(job, token).changes === 0) {
        throw new StaleTokenError(`token ${token} of ${host} is stale: another leader has written`)
      }
      this.#insert.run(job, host, token, text)
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
  }

  close() {
    this.#database.close()
  }
}
