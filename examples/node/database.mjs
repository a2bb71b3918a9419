// The app's own database: its users, the notices that it has received, and the events that are still to be sent.

import { rmSync } from "node:fs";
import sqlite from "node-sqlite3-wasm";

const FILE = "exemplary.db";
rmSync(`${FILE}.lock`, { recursive: true, force: true }); // of a killed process; nobody else opens the file
const database = new sqlite.Database(FILE);
database.exec(`
  CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, company TEXT NOT NULL,
    password_salt TEXT NOT NULL, password_hash TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS received_notices (
    id TEXT PRIMARY KEY, user_id TEXT, type TEXT NOT NULL, slug TEXT, reconnect_url TEXT, received_at TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL);
`);

// A change of ours and the event that tells of it: both or neither.
function changeAndTell(event, change) {
  database.exec("BEGIN IMMEDIATE");
  try {
    change();
    database.run("INSERT INTO outbox (event) VALUES (?)", [JSON.stringify(event)]);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

export function addUser({ id, email, company, salt, hash }, event) {
  const values = [id, email, company, salt, hash];
  changeAndTell(event, () => database.run("INSERT INTO users VALUES (?, ?, ?, ?, ?)", values));
}

export function deleteUser(id, event) {
  changeAndTell(event, () => database.run("DELETE FROM users WHERE id = ?", [id]));
}

export const findUser = (id) => database.get("SELECT * FROM users WHERE id = ?", [id]);
export const findUserByEmail = (email) => database.get("SELECT * FROM users WHERE email = ?", [email]);

// What waits to be sent, oldest first.
export const readOutbox = () => database.all("SELECT number, event FROM outbox ORDER BY number");
export const removeFromOutbox = (number) => database.run("DELETE FROM outbox WHERE number = ?", [number]);

// Keeps a notice. A sender may send it twice; it has the same id then.
export function keepNotice({ id, type, data }) {
  database.run(
    "INSERT INTO received_notices VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    [id, data.account?.id ?? null, type, data.slug ?? null, data.reconnect_url ?? null, new Date().toISOString()],
  );
}

export const listNotices = (userId) =>
  database.all("SELECT * FROM received_notices WHERE user_id = ? ORDER BY received_at DESC LIMIT 20", [userId]);
