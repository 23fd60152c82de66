// Tokens as an application would sign them: JWT, HS256, by node:crypto alone.

import { createHmac } from 'node:crypto';

export const SECRET = 'a secret of the tests, thirty-two bytes or more';

/** A token for `user` that is valid for a minute; `claims` go beside and above `sub` and `exp`. */
export function token(user, claims = {}, secret = SECRET) {
  const exp = Math.floor(Date.now() / 1000) + 60;
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: user, exp, ...claims })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** A token that may do all that a token can allow. */
export function tokenOfOneWhoMayAll(user) {
  return token(user, { tidegate: { join: ['*'], send: ['*'], broadcast: true } });
}

function part(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
