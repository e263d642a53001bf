import { useMutation } from "@tanstack/react-query";
import {
  BatteryCharging, Cable, Camera, Check, Gamepad2, Headphones, Laptop, Lightbulb, Monitor, Package, Plus, Smartphone,
  Speaker, Star, Tablet, Tv, Watch, type LucideIcon,
} from "lucide-react";
import { ask } from "../net/http";
import { cartPath, queries } from "../net/queries";
import type { Product } from "../net/types";
import { money } from "../ui/time";
import { tell } from "../ui/toast";

const ICONS: Record<string, LucideIcon> = {
  smartphone: Smartphone, laptop: Laptop, tablet: Tablet, headphones: Headphones, smartwatch: Watch, camera: Camera,
  television: Tv, monitor: Monitor, gaming: Gamepad2, speaker: Speaker, charger: BatteryCharging, accessory: Cable,
  "smart-home": Lightbulb,
};

/** The products of a reply, each to be put in the cart. */
export function Products({ products, conversationId }: { products: Product[]; conversationId: string }) {
  return (
    <ul className="products" aria-label="Products">
      {products.map((product) => (
        <Card key={product.sku} product={product} conversationId={conversationId} />
      ))}
    </ul>
  );
}

function Card({ product, conversationId }: { product: Product; conversationId: string }) {
  const { sku, name, brand, price, category, rating, stock } = product;
  const Icon = ICONS[category] ?? Package;
  const gone = stock === 0;
  const add = useMutation({
    mutationFn: () =>
      ask(cartPath(conversationId, "/add"), { body: { sku, name, price, category, quantity: 1 } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["cart", conversationId] }),
    onError: (error) => tell(error.message, true),
  });
  return (
    <li className="product">
      <span className="product-icon">
        <Icon aria-hidden />
      </span>
      <div className="product-text">
        <b>{name}</b>
        <small>
          {brand && !name.startsWith(brand) ? `${brand} · ` : ""}
          {rating !== undefined && (
            <>
              <Star aria-hidden /> <span className="hidden">rated </span>
              {rating.toFixed(1)}
            </>
          )}
          {gone ? " · sold out" : stock !== undefined && stock < 10 ? ` · ${stock} left` : ""}
        </small>
      </div>
      <p className="product-buy">
        <strong>{money.format(price)}</strong>
        <button
        className="button small"
        disabled={gone || add.isPending}
        aria-label={`Add ${name} to the cart`}
        onClick={() => add.mutate()}
      >
        {add.isSuccess ? <Check aria-hidden /> : <Plus aria-hidden />} {add.isSuccess ? "Added" : "Add"}
        </button>
      </p>
    </li>
  );
}
