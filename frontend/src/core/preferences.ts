// What this browser remembers: the theme and the account last looked at. Storage may be full or forbidden: then
// nothing is remembered, and everything else works.

export type Theme = "system" | "dark" | "light";

const THEME_KEY = "trading-platform.theme";
const ACCOUNT_KEY = "trading-platform.account";

export function rememberedTheme(): Theme {
  const theme = read(THEME_KEY);
  return theme === "dark" || theme === "light" ? theme : "system";
}

/** Remember a theme and apply it to the page; "system" follows the system's setting. */
export function applyTheme(theme: Theme): void {
  write(THEME_KEY, theme === "system" ? null : theme);
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function rememberedAccount(userId: string): string | null {
  return read(`${ACCOUNT_KEY}.${userId}`);
}

export function rememberAccount(userId: string, accountId: string): void {
  write(`${ACCOUNT_KEY}.${userId}`, accountId);
}

function read(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string | null): void {
  try {
    if (value === null) window.localStorage.removeItem(key);
    else window.localStorage.setItem(key, value);
  } catch {
    // Not remembered, then.
  }
}
