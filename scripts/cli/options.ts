/** What every command is given before its own options, and how an option is given several times. */

export interface Global {
  url?: string;
  key?: string;
  json?: boolean;
}

export const collect = (value: string, before: string[] = []): string[] => [...before, value];
