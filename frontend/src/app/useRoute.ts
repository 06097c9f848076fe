// Where one is, as the address bar says.
import { addressStore, parseRoute, type Route } from "../core/navigation";
import { useStore } from "../components/useStore";

export function useAddress(): string {
  return useStore(addressStore, (address) => address);
}

export function useRoute(): Route {
  return parseRoute(useAddress());
}
