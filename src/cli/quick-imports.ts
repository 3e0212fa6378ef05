import { registerHooks } from "node:module";

/**
 * Makes an admin command start in half the time, when Node loads this module first (--import). Node reads the format of
 * a module from the package.json beside it, and for each of 110 modules of Drizzle it parses those 180 kB again. All of
 * them are ES modules, so this says it without reading.
 */

const DRIZZLE = "/node_modules/drizzle-orm/";

registerHooks({
  resolve(specifier, context, nextResolve) {
    const { parentURL = "" } = context;
    if (!specifier.startsWith(".") || !parentURL.includes(DRIZZLE)) return nextResolve(specifier, context);
    return { url: new URL(specifier, parentURL).href, format: "module", shortCircuit: true };
  },
});
