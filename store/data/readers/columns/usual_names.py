"""Usual names of columns in logs and item files, by what the columns hold.

In the order of trust: the first one that a file has is proposed. English first, then German,
French and Spanish.
"""

from __future__ import annotations

from collections.abc import Mapping

USUAL: Mapping[str, str] = {
    "user": """
        user_id user uid customer_id customer customer_ref customer_number customer_no
        cust_id client_id client member_id member visitor_id visitor account_id account
        buyer_id buyer shopper_id reviewer_id reviewer person_id person profile_id
        user_ref user_name username subscriber_id patron_id reader_id viewer_id
        listener_id player_id kunde kunden_id kunden_nr kundennummer nutzer nutzer_id
        benutzer benutzer_id utilisateur id_client usuario cliente id_cliente cookie_id
        device_id login email session_id session user_session
    """,
    "item": """
        item_id item parent_asin asin product_id product product_ref product_code sku
        article_id article item_code stock_code movie_id film_id book_id isbn track_id
        song_id artist_id video_id content_id document_id news_id listing_id variant_id
        business_id game_id app_id recipe_id course_id ean gtin upc artikel artikel_id
        artikel_nr artikelnummer art_nr produkt produkt_id produit articulo producto id
    """,
    "time": """
        timestamp time date_time datetime event_time event_timestamp event_date date ts
        created_at created order_date order_time ordered_at purchase_date purchased_at
        bought_at invoice_date transaction_date transaction_time unix_review_time
        review_time reviewed_at rated_at played_at watched_at listened_at visited_at
        viewed_at clicked_at updated_at datum zeit zeitpunkt zeitstempel bestelldatum
        kaufdatum rechnungsdatum fecha fecha_hora date_heure heure data
    """,
    "title": """
        title product_name product_title item_name item_title name movie_title
        film_title book_title track_name song_title headline product_description
        description product bezeichnung artikelbezeichnung produktname artikelname titel
        titre nom nombre titulo designation label
    """,
    "categories": """
        categories category category_path category_name category_code product_category
        department genres genre class product_type taxonomy section kategorie kategorien
        warengruppe produktgruppe rubrik rayon categorie categoria categorias
        main_category tags
    """,
    "event": """
        event event_type event_name action action_type behavior behaviour behavior_type
        interaction_type interaction activity activity_type transaction_type
        order_status status ereignis aktion vorgang type
    """,
    "rating": """
        rating ratings stars star_rating score overall review_score user_rating
        bewertung rate
    """,
    "quantity": """
        quantity qty units amount menge anzahl stueck quantite cantidad count
    """,
}
"""Names by role, separated by blanks, each as words joined by ``_``."""
