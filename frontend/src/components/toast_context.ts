// How any part of the page says something in passing. The messages themselves are shown by Toasts.
import { createContext, useContext } from "react";

export interface Toast {
  kind: "success" | "error" | "info";
  title: string;
  detail?: string;
}

export const ToastContext = createContext<(toast: Toast) => void>(() => undefined);

export function useToast(): (toast: Toast) => void {
  return useContext(ToastContext);
}
