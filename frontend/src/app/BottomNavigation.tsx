// On a phone: which panel is shown.
import type { ReactElement } from "react";

import { Icon, type IconName } from "../components/Icon";
import type { Panel } from "../core/navigation";

const ITEMS: readonly { panel: Panel; label: string; icon: IconName }[] = [
  { panel: "portfolio", label: "Portfolio", icon: "portfolio" },
  { panel: "market", label: "Market", icon: "market" },
  { panel: "ticket", label: "Trade", icon: "ticket" },
  { panel: "orders", label: "Orders", icon: "orders" },
  { panel: "trades", label: "Trades", icon: "list" },
];

export function BottomNavigation({
  panel,
  onChosen,
}: {
  panel: Panel;
  onChosen: (panel: Panel) => void;
}): ReactElement {
  return (
    <nav className="bottom-navigation" aria-label="Panels">
      {ITEMS.map((item) => (
        <button
          key={item.panel}
          type="button"
          aria-current={item.panel === panel ? "page" : undefined}
          data-testid={`nav-${item.panel}`}
          onClick={() => onChosen(item.panel)}
        >
          <Icon name={item.icon} size={18} />
          {item.label}
        </button>
      ))}
    </nav>
  );
}
