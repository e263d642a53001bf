// How each assistant looks and what one might ask it. One that is not listed here has a plain face.

import { Bot, CloudSun, MessagesSquare, Newspaper, Recycle, ShoppingBag, type LucideIcon } from "lucide-react";

export interface Face {
  title: string;
  icon: LucideIcon;
  greeting: string;
  placeholder: string;
  starters: string[];
}

const FACES: Record<string, Face> = {
  weather: {
    title: "Weather",
    icon: CloudSun,
    greeting: "Where shall I look at the sky?",
    placeholder: "Ask about the weather in any city…",
    starters: [
      "What is the weather in London?",
      "Do I need an umbrella in Oslo tomorrow?",
      "Compare Tokyo and Sydney this weekend",
      "What should I wear in Madrid tonight?",
    ],
  },
  junkjet: {
    title: "JunkJet",
    icon: Recycle,
    greeting: "What would you like to turn into money?",
    placeholder: "Ask about scrap, prices and buyers…",
    starters: [
      "How much do I get for 12 kg of copper?",
      "I have old newspapers to sell near me",
      "Who buys scrap metal in Pune?",
      "What can I do with a broken laptop?",
    ],
  },
  news: {
    title: "News",
    icon: Newspaper,
    greeting: "What would you like to know more about?",
    placeholder: "Ask about the news…",
    starters: [
      "What is new?",
      "What is new in science?",
      "What is happening in the economy?",
      "Any news from sport?",
    ],
  },
  chat: {
    title: "Chat",
    icon: MessagesSquare,
    greeting: "What is on your mind?",
    placeholder: "Say anything…",
    starters: [
      "What can you do? Give me three examples.",
      "My name is Ada, remember it",
      "What is 17% of 2,340?",
      "How many days until New Year?",
    ],
  },
  shopping: {
    title: "Shopping",
    icon: ShoppingBag,
    greeting: "What are you looking for?",
    placeholder: "Ask for a product or a price…",
    starters: [
      "Show me laptops under $1,000",
      "Which headphones are best for travelling?",
      "Compare the iPhone 15 and the Galaxy S24",
      "I need a gift under $50",
    ],
  },
};

export function face(name: string): Face {
  return (
    FACES[name] ?? {
      title: name.charAt(0).toUpperCase() + name.slice(1),
      icon: Bot,
      greeting: "How can I help?",
      placeholder: "Say something…",
      starters: [],
    }
  );
}

const ORDER = Object.keys(FACES);

/** In the order in which they are shown: ours first, others by name. */
export function inOrder<T extends { name: string }>(assistants: T[]): T[] {
  const rank = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return [...assistants].sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name));
}
