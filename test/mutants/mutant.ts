/** A small bug that is planted in a copy of the sources, to see the tests find it. */
export interface Mutant {
  /** What goes wrong, as a sentence. */
  bug: string;
  /** Path below the root. */
  file: string;
  /** Text that stands in the file exactly once. */
  search: string;
  replace: string;
  /** Folders of tests, or files without `.test.ts`; one of the tests should fail. */
  tests: readonly string[];
}
