// The way in. Shows the demo's logins as long as the platform tells them; choosing one fills the form.
import { useRef, useState, type ReactElement, type SubmitEvent } from "react";

import { Icon } from "../../components/Icon";
import { ApiProblem, describeError } from "../../core/http";
import type { DemoLogin } from "../../core/types";
import { useLogIn } from "./useLogIn";

export function LoginPage({ demoLogins }: { demoLogins: DemoLogin[] }): ReactElement {
  const logIn = useLogIn();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const submitRef = useRef<HTMLButtonElement>(null);

  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    if (username !== "" && password !== "") logIn.mutate({ username, password });
  };

  const fill = (login: DemoLogin): void => {
    setUsername(login.username);
    setPassword(login.password);
    logIn.reset();
    submitRef.current?.focus();
  };

  return (
    <main className="login-page">
      <div className="login-card">
        <img src={`${import.meta.env.BASE_URL}favicon.svg`} alt="" width={40} height={40} />
        <h1>Trading Platform</h1>
        <p className="login-lead">Log in to see and trade your accounts.</p>
        <form onSubmit={submit} aria-label="Log in" noValidate>
          <label className="field">
            <span>User name</span>
            <input
              data-testid="login-username"
              name="username"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              autoFocus
              value={username}
              onChange={(event) => setUsername(event.target.value)}
            />
          </label>
          <label className="field">
            <span>Password</span>
            <input
              data-testid="login-password"
              name="password"
              type="password"
              autoComplete="current-password"
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          </label>
          <div className="login-error" role="alert" data-testid="login-error">
            {logIn.isError && (
              <>
                <Icon name="warning" /> {loginErrorText(logIn.error)}
              </>
            )}
          </div>
          <button
            ref={submitRef}
            type="submit"
            className="button primary wide"
            data-testid="login-submit"
            disabled={logIn.isPending || username === "" || password === ""}
          >
            {logIn.isPending ? "Logging in …" : "Log in"}
          </button>
        </form>
        {demoLogins.length > 0 && <DemoLogins logins={demoLogins} onChosen={fill} />}
      </div>
    </main>
  );
}

function DemoLogins({ logins, onChosen }: { logins: DemoLogin[]; onChosen: (login: DemoLogin) => void }): ReactElement {
  return (
    <section className="demo-logins" aria-labelledby="demo-logins-title">
      <h2 id="demo-logins-title">Demo logins</h2>
      <p>Simulated market, no real money. Choose one to fill the form.</p>
      <ul>
        {logins.map((login) => (
          <li key={login.username}>
            <button type="button" data-testid={`demo-login-${login.username}`} onClick={() => onChosen(login)}>
              <strong>{login.username}</strong>
              <span>{login.description}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function loginErrorText(error: Error): string {
  if (error instanceof ApiProblem && error.code === "INVALID_CREDENTIALS") {
    return "The user name or the password is wrong.";
  }
  return describeError(error);
}
