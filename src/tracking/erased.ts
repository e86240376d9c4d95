/** What stands for an address that has been erased, where it must go on being known again. */
import { base64url, utf8 } from "../core/bytes.ts";
import { ERASED } from "../schema/suppression.ts";
import { mac } from "./token.ts";

/** 144 bits: no two addresses give the same. */
const BYTES = 18;

/**
 * A keyed hash of an address: it cannot be read back without the salt, and the same address gives it again. Addresses are
 * few enough to be guessed, so whoever holds the salt can test a guess: it is kept out of exports and logs.
 */
export const erasedAddress = (salt: string, address: string): string =>
  ERASED + base64url(mac(salt, "erased", utf8(address), BYTES));
