// What the server's answers look like (API.md); only what the page reads.

export interface Policy {
  duration: number | null;
  inactivity: number | null;
  maxTurns: number | null;
  keepTurns: number;
  historyTtl: number | null;
  extension: { afterTurns: number; seconds: number } | null;
  archive: boolean;
  durability: "disk" | "memory";
  carryOver: boolean;
  summarise: boolean;
}

export interface AssistantInfo {
  name: string;
  summary: string;
  subject: "user" | "session";
  policy: Policy;
}

export interface About {
  version: string;
  defaultAssistant: string;
  maxMessageChars: number;
  model: { provider: string; name: string; offline: boolean };
  caller: { authentication: boolean; user: string | null; admin: boolean };
  assistants: AssistantInfo[];
}

export interface SessionInfo {
  sessionId: string;
  status: "active" | "ended";
  startTime: string;
  lastActivity: string;
  expiresAt: string;
  remainingSeconds: number;
  conversationCount: number;
  remainingConversations: number | null;
  endReason: string | null;
  /** What the session before left for this one; told by a look at the session, not by replies. */
  carriedOver?: string;
  /** What was said in turns that the assistant is not shown any more; told as the former. */
  summary?: string;
}

export interface EndedInfo {
  sessionId: string;
  startTime: string;
  endTime: string;
  duration: number;
  conversationCount: number;
  endReason: string;
}

export interface Source {
  title: string;
  url: string;
  published: string;
  snippet: string;
}

export interface Product {
  sku: string;
  name: string;
  brand?: string;
  price: number;
  category: string;
  rating?: number;
  stock?: number;
}

export interface TurnData {
  sources?: Source[];
  products?: Product[];
  locationFlag?: string;
  [name: string]: unknown;
}

export interface Reply {
  response: string;
  userId: string;
  assistant: string;
  sessionId: string;
  timestamp: string;
  session: SessionInfo;
  degraded: boolean;
  history?: "partial" | "complete";
  durability?: string;
  replayed: boolean;
  interrupted?: boolean;
  data?: TurnData;
}

export interface HistoryEntry {
  timestamp: string;
  message: string;
  response: string;
  sessionId: string;
  interrupted?: boolean;
  data?: TurnData;
}

export interface ErrorBody {
  success: false;
  error: string;
  code: string;
  requestId?: string;
}

export interface ChatRow {
  session_id: string;
  chat_name: string;
  created_at: string;
  last_activity: string;
  message_count: number;
  tags?: string[];
  name_marks?: Marks;
  snippet?: { text: string; marks?: Marks } | string | null;
}

export type Marks = [number, number][];

export interface CartView {
  items: { sku: string; name: string; price: number; category: string; quantity: number; added_at: string }[];
  count: number;
  total: number;
}

export interface Minute {
  minute: string;
  turns: number;
  sessionsStarted: number;
  sessionsEnded: Record<string, number>;
  errors: number;
  p50: number | null;
  p95: number | null;
}

export interface ServerEvent {
  type: "session_started" | "session_ended" | "turn_completed" | "store_state";
  assistant?: string;
  sessionId?: string;
  at: string;
  turns?: number;
  ms?: number;
  reason?: string;
  state?: string;
}
