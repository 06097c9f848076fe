// The last resort: a fault of this page is said plainly, with the way back, instead of leaving it blank.
import { Component, type ReactNode } from "react";

import { ErrorMessage } from "./Panel";

export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <main className="full-page">
        <ErrorMessage
          title="This page has a fault"
          action={
            <button type="button" className="button primary" onClick={() => window.location.reload()}>
              Load it again
            </button>
          }
        >
          {this.state.error.message} Your accounts are not affected.
        </ErrorMessage>
      </main>
    );
  }
}
