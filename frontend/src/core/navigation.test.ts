import { expect, it } from "vitest";

import { accountAddress, loginAddress, parseRoute } from "./navigation";

it("comes back to where one was after the login", () => {
  const was = accountAddress("a-1", "trades");
  expect(parseRoute(loginAddress(was))).toEqual({ page: "login", next: was });
  expect(parseRoute(was)).toEqual({ page: "account", accountId: "a-1", panel: "trades" });
});

it.each(["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "/login?next=/"])(
  "does not lead to %s after the login",
  (next) => {
    expect(parseRoute(`/login?next=${encodeURIComponent(next)}`)).toEqual({ page: "login", next: "/" });
  },
);
