/** The dialogs that the workspace can open, one at a time. */
export type DialogName = "openAccount" | "deposit" | "withdraw" | "shortcuts";
