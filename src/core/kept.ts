/**
 * V8 forgets the shape of an object when a collection finds none of it, and throws away the code that it had optimised for it.
 * Between two messages nothing of a message is alive, so that code was made anew every few seconds, a tenth of all processor
 * time (seen with --trace-deopt: "embedded weak objects cleared"). So one object of each shape that matters stays alive.
 */
const kept: object[] = [];

/** Keeps an object for good: a small one, that holds nothing of anybody's. */
export function keep(one: object): void {
  kept.push(one);
}
