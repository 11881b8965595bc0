-- Indexes and references, once the rows are there; identity columns go on where the rows end.
CREATE UNIQUE INDEX customers_email ON shop.customers (email);
CREATE UNIQUE INDEX products_sku ON shop.products (sku);
CREATE INDEX orders_customer ON shop.orders (customer_id, placed_at);
CREATE INDEX order_items_order ON shop.order_items (order_id);
CREATE INDEX reviews_product ON shop.reviews (product_id);
CREATE INDEX events_at ON shop.events (at);
CREATE INDEX events_session ON shop.events (session);

ALTER TABLE shop.orders ADD FOREIGN KEY (customer_id) REFERENCES shop.customers;
ALTER TABLE shop.order_items ADD FOREIGN KEY (order_id) REFERENCES shop.orders, ADD FOREIGN KEY (product_id) REFERENCES shop.products;
ALTER TABLE shop.reviews ADD FOREIGN KEY (product_id) REFERENCES shop.products, ADD FOREIGN KEY (customer_id) REFERENCES shop.customers;
ALTER TABLE shop.events ADD FOREIGN KEY (customer_id) REFERENCES shop.customers;

SELECT setval(pg_get_serial_sequence('shop.customers', 'id'), 40000), setval(pg_get_serial_sequence('shop.products', 'id'), 5000),
       setval(pg_get_serial_sequence('shop.orders', 'id'), 260000), setval(pg_get_serial_sequence('shop.order_items', 'id'), 650000),
       setval(pg_get_serial_sequence('shop.reviews', 'id'), 190000), setval(pg_get_serial_sequence('shop.events', 'id'), 640000);
ANALYZE;
