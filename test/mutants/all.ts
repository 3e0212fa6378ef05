import { accessMutants } from "./access.ts";
import { backupMutants } from "./backup.ts";
import { feedMutants } from "./feed.ts";
import { followMutants } from "./follow.ts";
import { followingMutants } from "./following.ts";
import { identityMutants } from "./identity.ts";
import { ingestMutants } from "./ingest.ts";
import { keptMutants } from "./kept.ts";
import { localMutants } from "./local.ts";
import { logMutants } from "./log.ts";
import { mirrorMutants } from "./mirror.ts";
import type { Mutant } from "./mutant.ts";
import { operationsMutants } from "./operations.ts";
import { readingMutants } from "./reading.ts";
import { replicaMutants } from "./replicas.ts";
import { searchMutants } from "./search.ts";
import { securityMutants } from "./security.ts";
import { tailMutants } from "./tail.ts";
import { watermarkMutants } from "./watermark.ts";

export const allMutants: readonly Mutant[] = [
  ...readingMutants,
  ...searchMutants,
  ...accessMutants,
  ...ingestMutants,
  ...identityMutants,
  ...logMutants,
  ...mirrorMutants,
  ...feedMutants,
  ...followingMutants,
  ...followMutants,
  ...replicaMutants,
  ...securityMutants,
  ...keptMutants,
  ...localMutants,
  ...tailMutants,
  ...watermarkMutants,
  ...operationsMutants,
  ...backupMutants,
];
