// Where the page begins.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { ErrorBoundary } from "../components/ErrorBoundary";
import { Toasts } from "../components/Toasts";
import { ApiProblem } from "../core/http";
import { applyTheme, rememberedTheme } from "../core/preferences";
import { App } from "./App";
import "./styles/index.css";

const RETRIES_MAX = 2;

applyTheme(rememberedTheme());

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < RETRIES_MAX && !(error instanceof ApiProblem && error.status < 500),
    },
    // Commands are never sent again by themselves: whoever sent one knows under which id it may be.
    mutations: { retry: false, networkMode: "always" },
  },
});

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no element with the id root.");

createRoot(root).render(
  <StrictMode>
    <ErrorBoundary>
      <QueryClientProvider client={queries}>
        <Toasts>
          <App />
        </Toasts>
      </QueryClientProvider>
    </ErrorBoundary>
  </StrictMode>,
);
