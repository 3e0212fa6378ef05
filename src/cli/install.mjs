// Installs the dependencies when they are missing or differ from package-lock.json; otherwise prints nothing. With
// `test/interop` as its argument, those of that folder.
// Runs before every npm script that needs them. It must be read by any Node that npm may find, so that an old one gets a
// sentence instead of a syntax error: the rest is in installation.mjs.
const OLDEST_NODE = 20;

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  console.error(
    `This project needs Node ${OLDEST_NODE} or newer, and this is Node ${process.versions.node}: see https://nodejs.org.`,
  );
  process.exit(1);
}
void import("./installation.mjs");
