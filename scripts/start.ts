/**
 * `npm start`: Postern on this machine. Bundles the worker, serves it with workerd itself, and keeps its state in
 * DATA_DIR. Without a relay it runs a local inbox. Whatever is wrong with the set-up is one line on stderr and exit
 * code 1.
 */
import { VARIABLES } from "../src/env.ts";
import { bundleWorker } from "./start/bundle.ts";
import { lifetime } from "./start/lifetime.ts";
import { type Prepared, prepare, summaryOf } from "./start/prepare.ts";
import { serve } from "./start/serving.ts";
import { summarise } from "./start/summary.ts";

const refuse = (line: string): number => {
  console.error(`postern: ${line}`);
  return 1;
};

async function main(): Promise<number> {
  const life = lifetime();
  const prepared = await prepare([".env"]);
  if (!prepared.ok) return refuse(prepared.error);
  try {
    return await run(prepared.value, life.signal, life.ended);
  } finally {
    await prepared.value.close();
  }
}

async function run(prepared: Prepared, signal: AbortSignal, asked: Promise<number>): Promise<number> {
  const bundle = await bundleWorker(
    {
      building: () => console.log("Bundling the worker (once per change) …"),
      built: (milliseconds) => console.log(`Bundled in ${(milliseconds / 1000).toFixed(1)} s.`),
    },
    signal,
  );
  if (signal.aborted) return asked;
  if (!bundle.ok) return refuse(bundle.error);
  const serving = await serve(
    {
      bundle: bundle.value,
      dataDir: prepared.dataDir.path,
      host: prepared.settings.host,
      port: prepared.port,
      storeApart: prepared.config.libsql === null,
      variables: prepared.variables,
      names: VARIABLES,
      extraCaFile: prepared.settings.extraCaFile,
    },
    signal,
    prepared.dataDir.serving,
  );
  if (signal.aborted) return asked;
  if (!serving.ok) return refuse(serving.error);
  process.stdout.write(summarise(summaryOf(prepared)));
  const end = await Promise.race([asked, serving.value.ended]);
  await serving.value.stop();
  if (typeof end === "number") return end;
  refuse(`${end.who} ended by itself with code ${end.code}; state is safe, start again`);
  return end.code === 0 ? 1 : end.code;
}

process.exitCode = await main();
