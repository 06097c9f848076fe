// Sorting a table by a column: which, which way, and the header to click.
import { useState, type ReactElement, type ReactNode } from "react";

export interface SortOrder<Key extends string> {
  key: Key;
  isDescending: boolean;
}

export interface Sorting<Key extends string> {
  order: SortOrder<Key>;
  choose: (key: Key, isText: boolean) => void;
  sort: <Row extends Readonly<Record<Key, unknown>>>(rows: readonly Row[]) => Row[];
}

export function useSorting<Key extends string>(initial: SortOrder<Key>): Sorting<Key> {
  const [order, setOrder] = useState(initial);
  return {
    order,
    choose: (key, isText) => setOrder({ key, isDescending: key === order.key ? !order.isDescending : !isText }),
    sort: (rows) => {
      const sign = order.isDescending ? -1 : 1;
      return rows.toSorted((a, b) => sign * compare(a[order.key], b[order.key]));
    },
  };
}

interface SortableHeaderProps<Key extends string> {
  sorting: Sorting<Key>;
  sortKey: Key;
  isText?: boolean;
  title?: string;
  children: ReactNode;
}

export function SortableHeader<Key extends string>(props: SortableHeaderProps<Key>): ReactElement {
  const { sorting, sortKey, isText = false, title, children } = props;
  const isChosen = sorting.order.key === sortKey;
  const order = sorting.order.isDescending ? "descending" : "ascending";
  return (
    <th scope="col" aria-sort={isChosen ? order : "none"} title={title}>
      <button type="button" className="sort-button" onClick={() => sorting.choose(sortKey, isText)}>
        {children}
        <span className="sort-arrow" aria-hidden="true">
          {isChosen ? (sorting.order.isDescending ? "▾" : "▴") : ""}
        </span>
      </button>
    </th>
  );
}

/** Numbers and texts in their order; what is not known comes first. */
function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}
