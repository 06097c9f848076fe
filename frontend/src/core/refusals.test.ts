import { expect, it } from "vitest";

import { describeRefusal } from "./refusals";

it("shows the figures of a limit as money", () => {
  const text = describeRefusal({ code: "POSITION_LIMIT_EXCEEDED", limit: "10000.0000", actual: "10100.0000" });
  expect(text.figures.map((figure) => figure.value)).toEqual(["10,000.00", "10,100.00"]);
});

it("shows shares as shares", () => {
  const text = describeRefusal({ code: "INSUFFICIENT_POSITION", limit: "10", actual: "1200.123456" });
  expect(text.figures.map((figure) => figure.value)).toEqual(["10", "1,200.123456"]);
});

it("shows no figures where they say nothing", () => {
  expect(describeRefusal({ code: "VALUE_TOO_SMALL", limit: "0.0001", actual: "0.0000" }).figures).toEqual([]);
});

it("shows every decimal that decided", () => {
  const funds = describeRefusal({ code: "INSUFFICIENT_FUNDS", limit: "999.9999", actual: "1000.0000" });
  expect(funds.figures.map((figure) => figure.value)).toEqual(["999.9999", "1,000.00"]);
  const many = describeRefusal({ code: "QUANTITY_LIMIT_EXCEEDED", limit: "1000000000000", actual: "1000000000000.5" });
  expect(many.figures.map((figure) => figure.value)).toEqual(["1,000,000,000,000", "1,000,000,000,000.5"]);
});

it("says what the platform said when the code is not known here", () => {
  const text = describeRefusal({ code: "INVALID_PRICE", message: "a price is greater than zero" });
  expect(text).toEqual({ title: "Invalid price", explanation: "A price is greater than zero.", figures: [] });
});
