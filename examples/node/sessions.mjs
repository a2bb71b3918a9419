// Who is signed in: a signed cookie with the user's id. And passwords, as hashes.

import { createHmac, randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import { findUser, findUserByEmail } from "./database.mjs";

const sign = (text) => createHmac("sha256", process.env.SESSION_SECRET).update(text).digest("hex");
const isSame = (one, other) => one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
const hashOf = (password, salt) => scryptSync(password, Buffer.from(salt, "hex"), 32).toString("hex");

export const beginSession = (userId) => `session=${userId}.${sign(userId)}; Path=/; HttpOnly; SameSite=Lax`;
export const endSession = () => "session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0";

// A user who has left is signed in nowhere.
export function userOf(request) {
  const [, userId, signature] = /(?:^|; )session=([\w-]+)\.(\w+)/.exec(request.headers.cookie ?? "") ?? [];
  return userId && isSame(signature, sign(userId)) ? findUser(userId) : null;
}

export function hashPassword(password) {
  const salt = randomBytes(16).toString("hex");
  return { salt, hash: hashOf(password, salt) };
}

export function findUserWithPassword(email, password) {
  const user = findUserByEmail(email);
  return user && isSame(hashOf(password, user.password_salt), user.password_hash) ? user : null;
}
