// Queries to start from.
export const EXAMPLES = [
  {
    name: "My accounts",
    query: `# Ctrl-Enter runs. The accounts that you may see, and what they hold.
query Accounts {
  viewer { username }
  accounts(first: 10) {
    nodes {
      accountId
      name
      role
      portfolioValue
      unrealizedPnl
      positions { symbol quantity avgCost marketValue }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
    variables: "{}",
  },
  {
    name: "One account's trades",
    query: `query Trades($id: ID!, $after: String) {
  account(id: $id) {
    name
    cash
    version
    trades(first: 20, after: $after) {
      edges { cursor node { executedAt side quantity symbol price realizedPnl } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
`,
    variables: '{\n  "id": "put an accountId here",\n  "after": null\n}',
  },
  {
    name: "Audit trail",
    query: `query Refused($id: ID!) {
  account(id: $id) {
    events(first: 20, types: ["CommandRefused", "RiskLimitsChanged"]) {
      nodes { version type recordedAt actor data }
    }
  }
}
`,
    variables: '{\n  "id": "put an accountId here"\n}',
  },
  {
    name: "Place an order",
    query: `mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    __typename
    ... on OrderPlaced { version reservedCash order { orderId status } }
    ... on CommandRefused { code message limit actual }
  }
}
`,
    variables: '{\n  "input": {\n    "accountId": "put an accountId here",\n    "symbol": "KO",\n    "side": "BUY",\n    "quantity": 10,\n    "type": "MARKET"\n  }\n}',
  },
];
