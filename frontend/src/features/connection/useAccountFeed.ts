// The live feed of one account for as long as a page shows it.
import { useEffect, useState } from "react";

import { AccountFeed } from "../../core/live/account_feed";

/** The component that uses this is keyed by the account: another account is another feed. */
export function useAccountFeed(accountId: string): AccountFeed {
  const [feed] = useState(() => new AccountFeed(accountId));
  useEffect(() => {
    feed.start();
    return () => feed.stop();
  }, [feed]);
  return feed;
}
