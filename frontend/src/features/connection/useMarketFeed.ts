// The live feed of the market for as long as somebody is logged in.
import { useEffect, useState } from "react";

import { MarketFeed } from "../../core/live/market_feed";

export function useMarketFeed(): MarketFeed {
  const [feed] = useState(() => new MarketFeed());
  useEffect(() => {
    feed.start();
    return () => feed.stop();
  }, [feed]);
  return feed;
}
