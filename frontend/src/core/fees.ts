// What an order costs by the account's fee schedule, as the account reckons it (accounts/domain/fees.py): per order, and the
// larger of the minimum and what shares and value come to, each rounded by itself. estimate.test.ts holds it to the domain.

import { BASIS_POINTS, parseUnits, percentToBasisPoints, type Units } from "./money";
import { roundHalfEven, SHARE, type Shares } from "./shares";
import type { FeeSchedule } from "./types";

export function orderFee({ per_order, per_share, percent, minimum }: FeeSchedule, quantity: Shares, value: Units): Units {
  if (quantity === 0n) return 0n;
  const ofShares = roundHalfEven(parseUnits(per_share) * quantity, SHARE);
  const ofValue = roundHalfEven(percentToBasisPoints(percent) * value, BASIS_POINTS);
  const [bySize, least] = [ofShares + ofValue, parseUnits(minimum)];
  return parseUnits(per_order) + (bySize > least ? bySize : least);
}
