import { loaded } from "./load.ts";
import { build } from "./server.ts";
await build();
const t = Date.now();
await loaded(20000, 7);
console.log(Date.now() - t);
process.exit();
