/** @file The cache without a code: what every other format is compared with. */

import { encoded, type TensorOf } from "../language";
import type { CacheAxes } from "./axes";

/** A cache over [token, head, channel] whose elements are stored as they are, in `element`: `data: f16(token, head, channel)`. */
export const fullPrecision = <const T extends string, const H extends string, const C extends string>(axes: CacheAxes<T, H, C>, element: TensorOf) => {
  const [token, head, channel] = axes;
  return encoded(axes, { data: element(token, head, channel) }, ({ data }) => data);
};
