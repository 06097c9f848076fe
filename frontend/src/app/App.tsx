// Which page is shown: the login when nobody is logged in, else the workspace of an account. Remembers where one was
// when a session ends, and goes back there after the next login.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, type ReactElement } from "react";

import { ErrorMessage } from "../components/Panel";
import { describeError, onUnauthenticated } from "../core/http";
import { loginAddress, navigate } from "../core/navigation";
import type { LoginSession, SessionUser } from "../core/types";
import { LoginPage } from "../features/login/LoginPage";
import { SESSION_KEY, useSession } from "../features/login/useSession";
import { HomePage } from "./HomePage";
import { useAddress, useRoute } from "./useRoute";
import { Workspace } from "./Workspace";

export function App(): ReactElement {
  const session = useSession();
  useSessionEnd();
  if (session.isPending) {
    return <main className="full-page" role="status" aria-label="Loading" aria-busy="true" />;
  }
  if (session.isError) {
    return (
      <main className="full-page">
        <ErrorMessage
          title="The platform does not answer"
          action={
            <button type="button" className="button primary" onClick={() => void session.refetch()}>
              Try again
            </button>
          }
        >
          {describeError(session.error)}
        </ErrorMessage>
      </main>
    );
  }
  const { user, demo_logins } = session.data;
  return user === null ? <LoggedOut demoLogins={demo_logins ?? []} /> : <LoggedIn user={user} />;
}

function LoggedOut({ demoLogins }: { demoLogins: NonNullable<LoginSession["demo_logins"]> }): ReactElement {
  const address = useAddress();
  const route = useRoute();
  useEffect(() => {
    if (route.page !== "login") navigate(loginAddress(address), { isReplacing: true });
  }, [address, route.page]);
  return <LoginPage demoLogins={demoLogins} />;
}

function LoggedIn({ user }: { user: SessionUser }): ReactElement | null {
  const route = useRoute();
  const next = route.page === "login" ? route.next : route.page === "unknown" ? "/" : null;
  useEffect(() => {
    if (next !== null) navigate(next, { isReplacing: true });
  }, [next]);
  switch (route.page) {
    case "home":
      return <HomePage user={user} />;
    case "account":
      return <Workspace key={route.accountId} user={user} accountId={route.accountId} panel={route.panel} />;
    default:
      return null;
  }
}

/** The platform said that nobody is logged in: find out again who is, which leads to the login page. */
function useSessionEnd(): void {
  const queries = useQueryClient();
  useEffect(() => {
    onUnauthenticated(() => {
      void queries.invalidateQueries({ queryKey: SESSION_KEY });
    });
    return () => onUnauthenticated(() => undefined);
  }, [queries]);
}
