/** @file Codes for a cache: of every group of channels, the nearest centroid of a book. */

import { axis } from "kvern";
import { encodeCoupled } from "kvern/formats";

export const encode = encodeCoupled([axis("token"), axis("kvHead"), axis("channel")], { couple: 8, bits: 8 });
