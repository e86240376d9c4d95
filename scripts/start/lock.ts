/** Locks that no process leaves behind. */
import { DatabaseSync } from "node:sqlite";

/**
 * A lock that the operating system drops with the process, however it ends: an exclusive transaction on an empty SQLite
 * file, since Node offers no file locks of its own. Null when another process has it. Throws where no file can be made.
 */
export function lockFile(path: string): DatabaseSync | null {
  const lock = new DatabaseSync(path);
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch {
    lock.close();
    return null;
  }
}
