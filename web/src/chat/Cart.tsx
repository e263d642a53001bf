import { useMutation } from "@tanstack/react-query";
import { CreditCard, ShoppingCart, Trash2, X } from "lucide-react";
import { ask } from "../net/http";
import { cartPath, queries, useCart } from "../net/queries";
import { money } from "../ui/time";
import { tell } from "../ui/toast";

type Act = { method: string; rest: string; done?: string };

/** The cart of a shopping session. Nothing is paid here: checking out records a purchase. */
export function Cart({ id, bare }: { id: string; bare?: boolean }) {
  const cart = useCart(id, true);
  const change = useMutation({
    mutationFn: ({ method, rest }: Act) => ask(cartPath(id, rest), { method }),
    onSuccess: (_, { done }) => {
      if (done) tell(done);
    },
    onError: (error) => tell(error.message, true),
    onSettled: () => queries.invalidateQueries({ queryKey: ["cart", id] }),
  });
  const items = cart.data?.items ?? [];
  return (
    <div className="cart">
      {!bare && (
        <h2>
          <ShoppingCart aria-hidden /> Cart
        </h2>
      )}
      {cart.isError && <p className="quiet">The cart can’t be shown right now.</p>}
      {!cart.isError && items.length === 0 && (
        <p className="quiet">Nothing in it yet. Add what you like from a reply, or say “add the first one to my cart”.</p>
      )}
      <ul>
        {items.map((item) => (
          <li key={item.sku}>
            <div>
              <b>{item.name}</b>
              <small>
                {item.quantity} × {money.format(item.price)}
              </small>
            </div>
            <span>{money.format(item.price * item.quantity)}</span>
            <button
              className="icon-button"
              aria-label={`Remove ${item.name}`}
              onClick={() => change.mutate({ method: "DELETE", rest: `/items/${encodeURIComponent(item.sku)}` })}
            >
              <X />
            </button>
          </li>
        ))}
      </ul>
      {items.length > 0 && (
        <>
          <p className="total">
            <span>Total</span> <strong>{money.format(cart.data!.total)}</strong>
          </p>
          <button
            className="button primary"
            disabled={change.isPending}
            onClick={() => change.mutate({ method: "POST", rest: "/checkout", done: "Ordered. Thank you!" })}
          >
            <CreditCard aria-hidden /> Check out
          </button>
          <button className="button" disabled={change.isPending} onClick={() => change.mutate({ method: "DELETE", rest: "/clear" })}>
            <Trash2 aria-hidden /> Empty the cart
          </button>
        </>
      )}
    </div>
  );
}
