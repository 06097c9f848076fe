// What the tests need and the test browser lacks.
import "@testing-library/jest-dom/vitest";

import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

HTMLDialogElement.prototype.showModal = function showModal(): void {
  this.open = true;
};

HTMLDialogElement.prototype.close = function close(): void {
  this.open = false;
};

afterEach(() => cleanup());
