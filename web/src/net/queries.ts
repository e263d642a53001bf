// What is asked of the server and kept for a while.

import { QueryClient, useQuery } from "@tanstack/react-query";
import { ApiError, ask } from "./http";
import type { About, CartView } from "./types";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (count, error) => count < 3 && !(error instanceof ApiError && error.status < 500),
      staleTime: 5_000,
    },
  },
});

export function useAbout() {
  return useQuery({ queryKey: ["about"], queryFn: () => ask<About>("/assistants"), staleTime: 60_000 });
}

export interface Status {
  status: "operational" | "degraded";
  version: string;
  store?: { backend: string; state: string; since: string; [detail: string]: unknown };
  system?: { pythonVersion: string; uptime: number; memoryUsage: string };
  turns?: { running: number; limit: number };
  model?: { provider: string; name: string; fallback: string | null };
}

/** How the server does; asked every ten seconds, and at once when a store says that it went or came. */
export function useStatus(every = 10_000) {
  return useQuery({
    queryKey: ["status"],
    queryFn: () => ask<Status>("/system/status"),
    refetchInterval: every,
    retry: false,
  });
}

export const cartPath = (id: string, rest = ""): string =>
  `/api/v1/shopping/session/${encodeURIComponent(id)}/cart${rest}`;

/** The cart of a shopping session; empty while there is no session yet. */
export function useCart(id: string, enabled: boolean) {
  return useQuery({
    queryKey: ["cart", id],
    enabled,
    queryFn: async (): Promise<CartView> => {
      try {
        return (await ask<{ data: CartView }>(cartPath(id))).data;
      } catch (error) {
        if (error instanceof ApiError && error.code === "session_not_found") return { items: [], count: 0, total: 0 };
        throw error;
      }
    },
  });
}
