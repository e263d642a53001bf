import * as Dropdown from "@radix-ui/react-dropdown-menu";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

export interface Item {
  label: string;
  icon?: LucideIcon;
  danger?: boolean;
  onSelect: () => void;
}

/** A button that opens a menu. Not modal: modal ones of this library put styles into the page, which our policy forbids. */
export function Menu({ label, trigger, items }: { label: string; trigger: ReactNode; items: Item[] }) {
  return (
    <Dropdown.Root modal={false}>
      <Dropdown.Trigger className="icon-button" aria-label={label} title={label}>
        {trigger}
      </Dropdown.Trigger>
      <Dropdown.Portal>
        <Dropdown.Content className="menu" align="end" sideOffset={6} collisionPadding={8}>
          {items.map(({ label: text, icon: Icon, danger, onSelect }) => (
            <Dropdown.Item key={text} className={danger ? "menu-item danger" : "menu-item"} onSelect={onSelect}>
              {Icon && <Icon aria-hidden />}
              {text}
            </Dropdown.Item>
          ))}
        </Dropdown.Content>
      </Dropdown.Portal>
    </Dropdown.Root>
  );
}
