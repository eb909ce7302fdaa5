"""Usual names of columns in logs and item files, by what the columns hold.

In the order of trust: the first one that a file has is proposed. English first, then German,
French and Spanish. Accents and case do not matter.
"""

from __future__ import annotations

from collections.abc import Mapping

USUAL: Mapping[str, str] = {
    "user": """
        user_id user uid customer_id customer customer_ref customer_number customer_no
        cust_id client_id client member_id member visitor_id visitor account_id account
        buyer_id buyer shopper_id reviewer_id reviewer person_id person profile_id
        user_ref user_name username subscriber_id patron_id reader_id viewer_id
        listener_id player_id kunde kunden_id kunden_nr kundennummer kunden_nummer kd_nr
        nutzer nutzer_id nutzer_nr nutzername benutzer benutzer_id benutzername anwender
        besteller kaeufer kaufer mitglied mitglieds_id mitglieds_nr mitgliedsnummer leser
        zuschauer besucher utilisateur id_utilisateur utilisateur_id
        identifiant_utilisateur id_client identifiant_client code_client ref_client
        numero_client num_client no_client acheteur id_acheteur membre id_membre abonne
        adherent lecteur spectateur visiteur usuario id_usuario usuario_id cliente
        id_cliente cliente_id codigo_cliente numero_cliente num_cliente comprador
        id_comprador miembro socio id_socio lector visitante cookie_id
        device_id login email session_id session user_session
    """,
    "item": """
        item_id item parent_asin asin product_id product product_ref product_code sku
        article_id article item_code stock_code movie_id film_id book_id isbn track_id
        song_id artist_id video_id content_id document_id news_id listing_id variant_id
        business_id game_id app_id recipe_id course_id ean gtin upc artikel artikel_id
        artikel_nr artikelnummer artikel_nummer art_nr produkt produkt_id produkt_nr
        produktnummer waren_nr warennummer film_nr buch buch_id id_article code_article
        ref_article reference_article produit id_produit produit_id code_produit
        ref_produit reference_produit id_film livre id_livre reference ref articulo
        id_articulo articulo_id codigo_articulo producto id_producto producto_id
        codigo_producto ref_producto referencia pelicula id_pelicula libro id_libro id
    """,
    "time": """
        timestamp time date_time datetime event_time event_timestamp event_date date ts
        created_at created order_date order_time ordered_at purchase_date purchased_at
        bought_at invoice_date transaction_date transaction_time unix_review_time
        review_time reviewed_at rated_at played_at watched_at listened_at visited_at
        viewed_at clicked_at updated_at datum zeit uhrzeit zeitpunkt zeitstempel
        datum_uhrzeit bestelldatum bestellzeit bestellt_am kaufdatum gekauft_am
        rechnungsdatum erstellt_am horodatage date_heure date_achat date_d_achat
        date_commande date_de_commande date_evenement date_transaction date_vente heure
        achete_le commande_le cree_le fecha fecha_hora fecha_compra fecha_de_compra
        fecha_pedido fecha_evento fecha_venta marca_de_tiempo marca_temporal hora
        momento comprado_el creado_en data
    """,
    "title": """
        title product_name product_title item_name item_title name movie_title
        film_title book_title track_name song_title headline product_description
        description product bezeichnung artikelbezeichnung produktbezeichnung produktname
        artikelname produkttitel artikeltext titel filmtitel buchtitel beschreibung titre
        nom_produit nom_du_produit nom_article nom_de_l_article libelle libelle_produit
        libelle_article intitule nom titulo nombre_producto nombre_del_producto
        nombre_articulo nombre denominacion descripcion designation label
    """,
    "categories": """
        categories category category_path category_name category_code product_category
        department genres genre class product_type taxonomy section kategorie kategorien
        produktkategorie warengruppe artikelgruppe produktgruppe abteilung rubrik gattung
        sparte rayon categorie categorie_produit famille famille_produit rubrique univers
        type_produit categoria categorias categoria_producto familia seccion departamento
        genero generos tipo_producto main_category tags
    """,
    "event": """
        event event_type event_name action action_type behavior behaviour behavior_type
        interaction_type interaction activity activity_type transaction_type
        order_status status ereignis ereignistyp ereignisart aktion vorgang evenement
        type_evenement type_d_evenement evento tipo_evento tipo_de_evento accion type
    """,
    "rating": """
        rating ratings stars star_rating score overall review_score user_rating
        bewertung sterne note etoiles calificacion valoracion puntuacion estrellas rate
    """,
    "quantity": """
        quantity qty units amount menge anzahl stueck stuck stueckzahl stuckzahl quantite
        qte cantidad unidades count
    """,
}
"""Names by role, separated by blanks, each as words joined by ``_``."""
